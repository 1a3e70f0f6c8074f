// Texts and marks of a page whose contrast against their background is too low: 4.5 for texts, 3 for marks (WCAG 2.2,
// 1.4.3 and 1.4.11, with its formula of relative luminance). Returns what is weak, in words.
() => {
  const seen = (colour) => {
    const parts = colour.match(/[\d.]+/g).map(Number);
    return parts.length > 3 && parts[3] === 0 ? null : parts;
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const found = seen(getComputedStyle(element).backgroundColor);
      if (found) return found;
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => {
    const [less, more] = [light(a), light(b)].sort((x, y) => x - y);
    return (more + 0.05) / (less + 0.05);
  };
  const weak = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!text || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), inside = element.closest("svg");
    const own = seen(inside ? style.fill : style.color) || [0, 0, 0];
    const found = ratio(own, ground(inside ? inside.parentElement : element));
    if (found < 4.5) weak.push(`${element.tagName} ${found.toFixed(2)} ${element.textContent.slice(0, 30)}`);
  }
  for (const mark of document.querySelectorAll("#chart .halo")) {
    const found = ratio(seen(getComputedStyle(mark).stroke), ground(mark.closest("svg").parentElement));
    if (found < 3 && !mark.closest("[data-tip^=Other]")) weak.push(`mark ${found.toFixed(2)}`);
  }
  return weak;
}

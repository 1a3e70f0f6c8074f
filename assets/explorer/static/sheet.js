// A small XLSX workbook, made in the browser. Belongs here: the file format. Does not belong here: what stands in it
// (item.js).
//
// Texts are inline strings and numbers are numbers: no cell is ever a formula, whatever its text begins with. The ZIP is
// stored, not packed, and has no clock in it, so the same view gives the same bytes.
"use strict";
window.workbook = (() => {
  const bytes = (text) => new TextEncoder().encode(text);
  // Control characters are not allowed in XML at all.
  const esc = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const column = (at) => (at >= 26 ? column(Math.floor(at / 26) - 1) : "") + String.fromCharCode(65 + at % 26);
  const table = Array.from({ length: 256 }, (_, at) => {
    let c = at;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const crc = (data) => {
    let c = 0xffffffff;
    for (const byte of data) c = table[(c ^ byte) & 255] ^ (c >>> 8);
    return (c ^ 0xffffffff) >>> 0;
  };
  function zip(files) {
    const parts = [], index = [];
    let at = 0;
    const header = (signature, name, data, sum, further) => {
      const view = new DataView(new ArrayBuffer(further ? 46 : 30));
      const start = further ? 6 : 4;
      view.setUint32(0, signature, true);
      if (further) view.setUint16(4, 20, true);
      // version 2.0, names in UTF-8, stored, 1 January 1980
      [20, 0x0800, 0, 0, 0x21].forEach((value, place) => view.setUint16(start + 2 * place, value, true));
      [sum, data.length, data.length].forEach((value, place) => view.setUint32(start + 10 + 4 * place, value, true));
      view.setUint16(start + 22, name.length, true);
      if (further) view.setUint32(42, further.at, true);
      return new Uint8Array(view.buffer);
    };
    for (const [path, text] of files) {
      const name = bytes(path), data = bytes(text), sum = crc(data);
      const head = header(0x04034b50, name, data, sum);
      index.push(header(0x02014b50, name, data, sum, { at }), name);
      parts.push(head, name, data);
      at += head.length + name.length + data.length;
    }
    const size = index.reduce((sum, part) => sum + part.length, 0), end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, files.length, true); end.setUint16(10, files.length, true);
    end.setUint32(12, size, true); end.setUint32(16, at, true);
    return new Blob([...parts, ...index, new Uint8Array(end.buffer)], { type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" });
  }
  const cell = (value, at, row, style) => {
    const place = `r="${column(at)}${row}" s="${style}"`;
    if (value === null || value === undefined || value === "") return "";
    return typeof value === "number" && isFinite(value) ? `<c ${place}><v>${value}</v></c>` : `<c ${place} t="inlineStr"><is><t xml:space="preserve">${esc(value).slice(0, 32000)}</t></is></c>`;
  };
  const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n', MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const sheet = ({ rows, widths, heads = 1 }) => `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0">${heads ? `<pane ySplit="${heads}" topLeftCell="A${heads + 1}" state="frozen"/>` : ""}</sheetView></sheetViews>` +
    `<cols>${widths.map((width, at) => `<col min="${at + 1}" max="${at + 1}" width="${width}" customWidth="1"/>`).join("")}</cols><sheetData>` +
    rows.map((cells, at) => `<row r="${at + 1}">${cells.map((value, place) => cell(value, place, at + 1, at < heads ? 1 : 2)).join("")}</row>`).join("") + "</sheetData></worksheet>";
  const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships", PACKAGE = "http://schemas.openxmlformats.org/package/2006";
  const part = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const relation = (id, kind, target) => `<Relationship Id="rId${id}" Type="${OFFICE}/${kind}" Target="${target}"/>`;
  // Sheets: [{ name, rows: [[text or number or null]], widths: [characters], heads: rows that are headings }]
  return (sheets) => zip([
    ["[Content_Types].xml", `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${part}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${part}.styles+xml"/>${sheets.map((_, at) => `<Override PartName="/xl/worksheets/sheet${at + 1}.xml" ContentType="${part}.worksheet+xml"/>`).join("")}</Types>`],
    ["_rels/.rels", `${XML}<Relationships xmlns="${PACKAGE}/relationships">${relation(1, "officeDocument", "xl/workbook.xml")}</Relationships>`],
    ["xl/workbook.xml", `${XML}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${sheets.map(({ name }, at) => `<sheet name="${esc(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`).join("")}</sheets></workbook>`],
    ["xl/_rels/workbook.xml.rels", `${XML}<Relationships xmlns="${PACKAGE}/relationships">${sheets.map((_, at) => relation(at + 1, "worksheet", `worksheets/sheet${at + 1}.xml`)).join("")}${relation(sheets.length + 1, "styles", "styles.xml")}</Relationships>`],
    ["xl/styles.xml", `${XML}<styleSheet xmlns="${MAIN}"><fonts count="2"><font><sz val="10"/><name val="Arial"/></font><font><b/><sz val="10"/><name val="Arial"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs></styleSheet>`],
    ...sheets.map((one, at) => [`xl/worksheets/sheet${at + 1}.xml`, sheet(one)]),
  ]);
})();

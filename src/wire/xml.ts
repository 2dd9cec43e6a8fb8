/** XML as AWS's query protocols write it. */

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\r": "&#xD;",
};

/** An element; `content` is XML already. */
export function element(name: string, content: string, namespace?: string): string {
  return elementWith(name, namespace === undefined ? "" : attribute("xmlns", namespace), content);
}

/** An attribute, with the space before it. */
export function attribute(name: string, value: string): string {
  return ` ${name}="${escapeXml(value)}"`;
}

/** An element with attributes. */
export function elementWith(name: string, attributes: string, content: string): string {
  return content === "" ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

/** Text as content or attribute; what XML 1.0 has no characters for becomes U+FFFD (XML 1.0, 2.2 Characters). */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"'\r]/g, (character) => ESCAPES[character] ?? character);
}

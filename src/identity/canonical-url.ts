/** Paths and queries in the canonical forms of SigV4 (every service but S3). */

const SIGNATURE = "X-Amz-Signature";

/** The path as received, without dot segments and doubled slashes, each segment encoded once more. */
export function canonicalPath(path: string): string {
  if (path === "/" || path === "") return "/";
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(encode(segment));
  }
  const trailing = segments.length > 0 && path.endsWith("/") ? "/" : "";
  return `/${segments.join("/")}${trailing}`;
}

/** The query sorted by encoded names, then values; the signature itself is left out of a presigned one. */
export function canonicalQuery(query: string, presigned: boolean): string {
  const pairs: [name: string, value: string][] = [];
  for (const [name, value] of pairsOf(query)) {
    if (!presigned || name !== SIGNATURE) pairs.push([encode(name), encode(value)]);
  }
  pairs.sort(([leftName, leftValue], [rightName, rightValue]) => {
    if (leftName !== rightName) return leftName < rightName ? -1 : 1;
    return leftValue < rightValue ? -1 : Number(leftValue > rightValue);
  });
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** The parameters of a request target, decoded; of one that comes twice the first counts. */
export function queryParameters(target: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const question = target.indexOf("?");
  if (question < 0) return parameters;
  for (const [name, value] of pairsOf(target.slice(question + 1))) {
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

function* pairsOf(query: string): Iterable<[name: string, value: string]> {
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    yield equals < 0 ? [decode(pair), ""] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
  }
}

/** Text that is not well encoded stands for itself. A plus sign is a plus sign. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return encodeURIComponent(wellFormed).replaceAll(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** Where a page stands, for the line above it. */

export interface Breadcrumb {
  readonly text: string;
  /** The page's path in its Region; the page itself has none. */
  readonly path?: string;
}

const STEPS: Readonly<Record<string, string>> = {
  import: "Import key material",
  replicate: "Create new replica keys",
};

/** The way to a page, from its path in a Region, such as `keys/create`. */
export function breadcrumbsOf(path: string): readonly Breadcrumb[] {
  const [list = "", keyId, step = ""] = path.split("/");
  const home = { text: "KMS", path: "keys" };
  if (list === "defaultKeys") return [home, { text: "AWS managed keys" }];
  const keys = { text: "Customer managed keys", path: "keys" };
  if (keyId === undefined) return [home, { text: keys.text }];
  if (keyId === "create") return [home, keys, { text: "Create key" }];
  const key = { text: `Key ID: ${keyId}`, path: `keys/${keyId}` };
  return STEPS[step] === undefined ? [home, keys, { text: key.text }] : [home, keys, key, { text: STEPS[step] }];
}

/** Where a page stands, for the line above it. */

import { keyStoreKinds, kindAt } from "./key-stores.ts";

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
  if (list === "keyStores") return [home, ...storeCrumbs(path)];
  const keys = { text: "Customer managed keys", path: "keys" };
  if (keyId === undefined) return [home, { text: keys.text }];
  if (keyId === "create") return [home, keys, { text: "Create key" }];
  const key = { text: `Key ID: ${keyId}`, path: `keys/${keyId}` };
  return STEPS[step] === undefined ? [home, keys, { text: key.text }] : [home, keys, key, { text: STEPS[step] }];
}

/** From the list of the key stores of a kind on. */
function storeCrumbs(path: string): readonly Breadcrumb[] {
  const [, kindPath = "", id, step] = path.split("/");
  const kind = keyStoreKinds[kindAt(kindPath)];
  const stores = { text: kind.title, path: `keyStores/${kind.path}` };
  if (id === undefined) return [{ text: stores.text }];
  if (id === "create") return [stores, { text: `Create ${kind.inText}` }];
  const store = { text: `Key store ID: ${id}`, path: `keyStores/${kind.path}/${id}` };
  return step === "edit" ? [stores, store, { text: "Edit" }] : [stores, { text: store.text }];
}

/** Which operation of a REST protocol a request is for, by method, path, query and headers. */

import type { OperationModel } from "./model.ts";

/** How the model binds an operation to HTTP. */
export interface HttpBinding {
  readonly name: string;
  readonly method: string;
  /** Such as `/{Bucket}/{Key+}?uploads`. */
  readonly requestUri: string;
  readonly responseCode?: number;
}

/** A request's target, decoded. */
export interface Target {
  /** The members that the path has, by name. */
  readonly labels: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, string>;
}

interface Route {
  readonly name: string;
  readonly method: string;
  /** The labels of the path, sorted and joined. */
  readonly labels: string;
  /** Parameters that must be there, and their values where the model says them. */
  readonly literals: readonly (readonly [name: string, value: string])[];
  readonly model: OperationModel;
}

/**
 * Routes of one service. Of those that fit a request the one is meant that demands most of it: an upload of a part is a PUT of an
 * object with two parameters more, a copy one with a header more.
 */
export class RestRoutes {
  readonly #routes: readonly Route[];
  readonly #subresources: ReadonlySet<string>;

  /** @param subresources parameters that only routes which demand them may have: they name what an operation is about */
  constructor(
    bindings: readonly HttpBinding[],
    models: ReadonlyMap<string, OperationModel>,
    subresources: ReadonlySet<string> = new Set(),
  ) {
    this.#subresources = subresources;
    this.#routes = bindings.flatMap(({ name, method, requestUri }) => {
      const model = models.get(name);
      if (model === undefined) return [];
      const [path = "", query = ""] = requestUri.split("?");
      const labels = [...path.matchAll(/\{(\w+)\+?\}/g)].map(([, label = ""]) => label);
      const literals = query.split("&").flatMap((pair) => (pair === "" ? [] : [literal(pair)]));
      return [{ name, method, labels: labels.sort().join(), literals, model }];
    });
  }

  /** The name of the operation, or undefined when none fits. */
  find(method: string, { labels, query }: Target, headers: Readonly<Record<string, unknown>>): string | undefined {
    const shape = Object.keys(labels).sort().join();
    const about = [...query.keys()].filter((name) => this.#subresources.has(name));
    let best: { readonly name: string; readonly demands: number } | undefined;
    for (const route of this.#routes) {
      if (route.method !== method || route.labels !== shape) continue;
      if (!about.every((name) => route.literals.some(([demanded]) => demanded === name))) continue;
      const demands = demandsOf(route, query, headers);
      if (demands !== undefined && demands > (best?.demands ?? -1)) best = { name: route.name, demands };
    }
    return best?.name;
  }
}

function literal(pair: string): readonly [string, string] {
  const [name = "", value = ""] = pair.split("=");
  return [name, value];
}

/** How much a route demands of a request's query and headers; undefined where they don't have it. */
function demandsOf(
  { literals, model }: Route,
  query: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, unknown>>,
): number | undefined {
  if (!literals.every(([name, value]) => (value === "" ? query.has(name) : query.get(name) === value)))
    return undefined;
  let demands = literals.length;
  for (const { required, location, wireName } of model.input.members) {
    if (!required || (location !== "querystring" && location !== "header")) continue;
    const isThere = location === "querystring" ? query.has(wireName) : headers[wireName.toLowerCase()] !== undefined;
    if (!isThere) return undefined;
    demands += 1;
  }
  return demands;
}

/** All that the read operations tell of an account, for comparison before and after. */

import { mustCallKms, type ServerAddress } from "./signed-requests.ts";

type Output = Readonly<Record<string, unknown>>;

/** Every key with its metadata, tags, policy and rotation, and every alias. */
export async function snapshotOf(server: ServerAddress): Promise<unknown> {
  const keys = await pages(server, "ListKeys", "Keys");
  const aliases = await pages(server, "ListAliases", "Aliases");
  const details: unknown[] = [];
  for (const { KeyId } of keys) {
    const ask = async (operation: string): Promise<Output> => (await mustCallKms(server, operation, { KeyId })).output;
    details.push([
      await ask("DescribeKey"),
      await ask("ListResourceTags"),
      await ask("GetKeyPolicy"),
      await ask("GetKeyRotationStatus"),
    ]);
  }
  return { keys, aliases, details };
}

async function pages(server: ServerAddress, operation: string, member: string): Promise<readonly Output[]> {
  const items: Output[] = [];
  for (let Marker: unknown; ; ) {
    const { output } = await mustCallKms(server, operation, Marker === undefined ? {} : { Marker });
    items.push(...((output[member] ?? []) as readonly Output[]));
    if (output["Truncated"] !== true) return items;
    Marker = output["NextMarker"];
  }
}

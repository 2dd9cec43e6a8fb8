/** What stands in a tab; it is there, and asks the API, while the tab is open. */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import type { ReactNode } from "react";
import type { TabId } from "../model/key-tabs.ts";
import { AccessTab } from "./access-tab.tsx";
import { AliasesTab } from "./aliases-tab.tsx";
import { CryptographicConfiguration } from "./cryptographic-configuration.tsx";
import { GrantsTab } from "./grants-tab.tsx";
import { KeyPolicyTab } from "./key-policy-tab.tsx";
import { MaterialTab } from "./material-tab.tsx";
import { PublicKeyTab } from "./public-key-tab.tsx";
import { RegionalityTab } from "./regionality-tab.tsx";
import { RotationTab } from "./rotation-tab.tsx";
import { TagsTab } from "./tags-tab.tsx";

export interface TabProps {
  readonly metadata: KeyMetadata;
  /** To be told when the key has changed. */
  onChange(): void;
}

const CONTENTS: Readonly<Record<TabId, (props: TabProps) => ReactNode>> = {
  policy: KeyPolicyTab,
  cryptography: CryptographicConfiguration,
  tags: TagsTab,
  material: MaterialTab,
  rotation: RotationTab,
  public: PublicKeyTab,
  regionality: RegionalityTab,
  aliases: AliasesTab,
  grants: GrantsTab,
  access: AccessTab,
};

export function TabContent({ tab, ...props }: TabProps & { readonly tab: TabId }) {
  const Content = CONTENTS[tab];
  return <Content {...props} />;
}

/** What stands in a tab; it is there, and asks the API, while the tab is open. */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import type { TabId } from "../model/key-tabs.ts";
import { CryptographicConfiguration } from "./cryptographic-configuration.tsx";
import { KeyPolicyTab } from "./key-policy-tab.tsx";

export interface TabProps {
  readonly metadata: KeyMetadata;
  /** To be told when the key has changed. */
  onChange(): void;
}

export function TabContent({ tab, ...props }: TabProps & { readonly tab: TabId }) {
  switch (tab) {
    case "policy":
      return <KeyPolicyTab {...props} />;
    default:
      return <CryptographicConfiguration {...props} />;
  }
}

/** What every page asks: who is signed in, in which Region, and the clients of the APIs there. */

import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { createContext, useContext } from "react";
import { findPartition, homeRegion } from "../../../src/base/arn.ts";
import type { Owner } from "../model/key-policy.ts";
import { CloudHsmClient } from "./cloudhsm-client.ts";
import { ENDPOINT, type Session } from "./session.ts";

export interface Clients {
  readonly kms: KMSClient;
  readonly iam: IAMClient;
  readonly cloudwatch: CloudWatchClient;
  readonly cloudhsm: CloudHsmClient;
  readonly tagging: ResourceGroupsTaggingAPIClient;
}

export interface Console {
  readonly session: Session;
  readonly region: string;
  readonly owner: Owner;
  readonly clients: Clients;
  /** A client of KMS in another Region of the partition. */
  kmsIn(region: string): KMSClient;
  /** The address of a page in the Region shown, or in another. */
  link(path: string, region?: string): string;
}

export const ConsoleContext = createContext<Console | undefined>(undefined);

/** For pages: there is a console wherever there is a page. */
export function useConsole(): Console {
  const value = useContext(ConsoleContext);
  if (value === undefined) throw new Error("A page stands outside the console.");
  return value;
}

export function consoleOf(session: Session, region: string): Console {
  const partition = findPartition(region) ?? "aws";
  const { credentials, account } = session;
  const settings = { endpoint: ENDPOINT, credentials };
  return {
    session,
    region,
    owner: { account, partition },
    clients: {
      kms: new KMSClient({ ...settings, region }),
      iam: new IAMClient({ ...settings, region: homeRegion(partition) }),
      cloudwatch: new CloudWatchClient({ ...settings, region }),
      cloudhsm: new CloudHsmClient({ ...settings, region }),
      tagging: new ResourceGroupsTaggingAPIClient({ ...settings, region }),
    },
    kmsIn: (other) => new KMSClient({ ...settings, region: other }),
    link: (path, other = region) => `/${other}/kms/${path}`,
  };
}

/** Quotas: what a service says of each, what the operator says instead, and what holds for an account in a Region. */

import type { Reader } from "../storage/store.ts";

/** One quota of a service, for each account and Region. */
export interface Quota {
  /** The service's code in Service Quotas, such as `kms`. */
  readonly service: string;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  /** How many there may be of something, or how many requests there may be in a second. */
  readonly kind: "resource" | "request";
  /** Of requests: for each second, and a fraction where there is less than one. */
  readonly value: number;
  /** Where a Region has another value. */
  readonly regions?: Readonly<Record<string, number>>;
  readonly adjustable: boolean;
  /** Whether Service Quotas shows it. */
  readonly listed: boolean;
}

/** Whose quotas. */
export interface QuotaOwner {
  readonly account: string;
  readonly region: string;
}

/** A number of requests in a time. */
export interface Rate {
  readonly requests: number;
  readonly milliseconds: number;
}

/** What the operator says of one quota, for everybody or for those of an account, a Region or both. */
export interface QuotaSetting {
  readonly code: string;
  readonly account?: string;
  readonly region?: string;
  /** A count, a rate for each second, or so many requests in so many seconds. */
  readonly value: number | { readonly requests: number; readonly seconds: number };
}

/** What the operator has decided about quotas. */
export interface QuotaProfile {
  /** What holds for the request quotas that no setting names: AWS's values, or none. */
  readonly requestRates: "aws" | "off";
  readonly settings: readonly QuotaSetting[];
  /** Whether an increase that an account asks for is granted at once, or kept until the operator has raised the value. */
  readonly increases: "approve" | "hold";
  /** Among how many processes requests are spread: each counts for itself and lets its share through. */
  readonly processes: number;
}

/** Resource quotas as on AWS, and no request quotas. */
export const DEFAULT_PROFILE: QuotaProfile = { requestRates: "off", settings: [], increases: "approve", processes: 1 };

const SECOND_MS = 1000;

/** The quotas of all services, as they hold here. */
export class Quotas {
  readonly profile: QuotaProfile;
  readonly #ofService = new Map<string, Map<string, Quota>>();
  readonly #settings = new Map<string, QuotaSetting[]>();

  constructor(quotas: readonly Quota[], profile: QuotaProfile) {
    this.profile = profile;
    for (const quota of quotas) {
      const ofService = this.#ofService.get(quota.service) ?? new Map<string, Quota>();
      this.#ofService.set(quota.service, ofService.set(quota.code, quota));
    }
    for (const setting of profile.settings) {
      this.#settings.set(setting.code, [...(this.#settings.get(setting.code) ?? []), setting]);
    }
  }

  /** Whether any request may be refused for the number of those before it. */
  get countsRequests(): boolean {
    if (this.profile.requestRates === "aws") return true;
    const quotas = [...this.#ofService.values()].flatMap((ofService) => [...ofService.values()]);
    return quotas.some(({ kind, code }) => kind === "request" && this.#settings.has(code));
  }

  /** The quotas that Service Quotas shows of a service; undefined when the service is not known. */
  listed(service: string): readonly Quota[] | undefined {
    const ofService = this.#ofService.get(service);
    return ofService && [...ofService.values()].filter(({ listed }) => listed);
  }

  /** The value of a quota, of requests for each second, whether it is being enforced or not. */
  valueOf(quota: Quota, owner: QuotaOwner, reader: Reader): number {
    const setting = this.#settingOf(quota, owner)?.value ?? defaultValue(quota, owner.region);
    const value = typeof setting === "number" ? setting : setting.requests / setting.seconds;
    return Math.max(value, this.#granted(quota, owner, reader) ?? 0);
  }

  /** The rate at which one process lets requests through; undefined when there is no limit. */
  rateOf(quota: Quota, owner: QuotaOwner, reader: Reader): Rate | undefined {
    const setting = this.#settingOf(quota, owner)?.value;
    if (setting === undefined && this.profile.requestRates === "off") return undefined;
    const value = setting ?? defaultValue(quota, owner.region);
    const granted = this.#granted(quota, owner, reader) ?? 0;
    const { processes } = this.profile;
    if (typeof value === "number") return rateOfSecond(Math.max(value, granted) / processes);
    const { requests, seconds } = value;
    if (granted > requests / seconds) return rateOfSecond(granted / processes);
    const share = Math.ceil(requests / processes);
    return {
      requests: share,
      milliseconds: requests === 0 ? SECOND_MS : (seconds * SECOND_MS * share * processes) / requests,
    };
  }

  /** The setting that says most of whom it is for; of two that say as much, the later one. */
  #settingOf({ code }: Quota, { account, region }: QuotaOwner): QuotaSetting | undefined {
    let found: QuotaSetting | undefined;
    for (const setting of this.#settings.get(code) ?? []) {
      const isMeant = (setting.account ?? account) === account && (setting.region ?? region) === region;
      if (isMeant && (found === undefined || weightOf(setting) >= weightOf(found))) found = setting;
    }
    return found;
  }

  #granted({ code }: Quota, { account, region }: QuotaOwner, reader: Reader): number | undefined {
    if (this.profile.increases === "hold") return undefined;
    return reader.find("quotas", region, account)?.values.get(code);
  }
}

/** What AWS gives an account that has asked for nothing. */
export function defaultValue({ value, regions }: Quota, region: string): number {
  return regions?.[region] ?? value;
}

function weightOf({ account, region }: QuotaSetting): number {
  return (account === undefined ? 0 : 2) + (region === undefined ? 0 : 1);
}

/** A fraction of a request for each second is one request in a longer time, and an uneven number goes up with its time. */
function rateOfSecond(value: number): Rate {
  const requests = Math.ceil(value);
  return { requests, milliseconds: value === 0 ? SECOND_MS : (requests * SECOND_MS) / value };
}

/** Opens what sends events, keeps metrics and evaluates alarms. */

import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../gateway/gateway.ts";
import { credentialAges, KeyStoreMetrics } from "../kms/key-stores/metrics.ts";
import { expiryGauges, UseMetrics } from "../kms/metrics.ts";
import { AlarmEvaluator } from "../signals/alarms/evaluator.ts";
import { AlarmStates } from "../signals/alarms/states.ts";
import { EventBus } from "../signals/events/bus.ts";
import { Deliveries } from "../signals/events/deliveries.ts";
import { type EventTarget, senderOf } from "../signals/events/targets.ts";
import { MetricReader } from "../signals/metrics/reader.ts";
import { MetricRecorder } from "../signals/metrics/recorder.ts";
import type { Store } from "../storage/store.ts";

/** Events, metrics and alarms of one process. */
export interface Signals {
  /** Sends events to rules, in the transactions of their causes. */
  readonly bus: EventBus;
  /** Where other rooms tell what CloudWatch shows. */
  readonly metricRecorder: MetricRecorder;
  /** Counts the use of external key stores. */
  readonly keyStoreMeter: KeyStoreMetrics;
  /** Counts uses of keys whose records are written. */
  readonly uses: UseMetrics;
  readonly metrics: MetricReader;
  readonly alarms: AlarmEvaluator;
  readonly alarmStates: AlarmStates;
  /** Starts what one process does for all: deliveries and alarms. */
  start(): void;
  /** Ends that, after what is under way; call it before the store's other work ends. */
  stop(): Promise<void>;
}

export interface SignalOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly eventTargets?: readonly EventTarget[];
}

export function openSignals({ store, clock, log, eventTargets = [] }: SignalOptions): Signals {
  const deliveries = new Deliveries({
    store,
    machineClock: systemClock,
    send: senderOf(eventTargets),
    onError: (cause) => log.error({ err: cause }, "Events could not be delivered and will be tried again."),
    onGivenUp: ({ arn, rule, account, region }, reason) =>
      log.warn({ arn, rule, account, region, reason }, "An event was given up: its target did not take it."),
  });
  const bus = new EventBus({ machineClock: systemClock, sent: () => deliveries.wake() });
  const metricRecorder = new MetricRecorder({
    store,
    clock,
    onError: (cause) => log.error({ err: cause }, "Data points of metrics could not be written."),
  });
  const metrics = new MetricReader({ store, clock, recorder: metricRecorder, gauges: [expiryGauges, credentialAges] });
  const states = new AlarmStates(bus);
  const alarms = new AlarmEvaluator({
    store,
    clock,
    metrics,
    states,
    onError: (cause) => log.error({ err: cause }, "Alarms could not be evaluated and will be tried again."),
  });
  return {
    bus,
    metricRecorder,
    keyStoreMeter: new KeyStoreMetrics({
      store,
      recorder: metricRecorder,
      machineClock: systemClock,
      onError: (cause) => log.error({ err: cause }, "Data points of a key store could not be counted."),
    }),
    uses: new UseMetrics(metricRecorder),
    metrics,
    alarms,
    alarmStates: states,
    start() {
      deliveries.start();
      alarms.start();
    },
    async stop() {
      await alarms.stop();
      await deliveries.stop();
    },
  };
}

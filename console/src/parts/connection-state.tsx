/** The connection state of a custom key store; of a failed one, why, once the pointer or the keyboard is on it. */

import type { ConnectionStateType } from "@aws-sdk/client-kms";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Tooltip from "@cloudscape-design/components/tooltip";
import { useRef, useState } from "react";
import { NONE } from "../model/key-rows.ts";
import { connectionAdvice, connectionLabels, type KeyStore } from "../model/key-stores.ts";

const SIGNS: Readonly<Record<ConnectionStateType, StatusIndicatorProps.Type>> = {
  CONNECTED: "success",
  CONNECTING: "in-progress",
  FAILED: "error",
  DISCONNECTED: "stopped",
  DISCONNECTING: "in-progress",
};

export function ConnectionState({ store }: { readonly store: KeyStore }) {
  const { ConnectionState: state, ConnectionErrorCode: code } = store;
  if (state === undefined) return NONE;
  const sign = <StatusIndicator type={SIGNS[state]}>{connectionLabels[state]}</StatusIndicator>;
  return code === undefined ? sign : <Explained text={`${code}: ${connectionAdvice[code] ?? ""}`}>{sign}</Explained>;
}

function Explained({ text, children }: { readonly text: string; readonly children: React.ReactNode }) {
  const track = useRef<HTMLButtonElement>(null);
  const [isShown, setShown] = useState(false);
  const show = () => setShown(true);
  const hide = () => setShown(false);
  return (
    <>
      <button
        ref={track}
        type="button"
        className="explained"
        onMouseEnter={show}
        onMouseLeave={hide}
        onFocus={show}
        onBlur={hide}
      >
        {children}
      </button>
      {isShown && <Tooltip content={text} getTrack={() => track.current} onEscape={hide} />}
    </>
  );
}

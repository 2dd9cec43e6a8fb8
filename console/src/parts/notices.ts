/** The messages at the top of the page: what was done. */

import { createContext, useContext } from "react";

/** Shows a success message until it is dismissed or another page's takes its place. */
export type Notify = (message: string) => void;

export const NoticeContext = createContext<Notify>(() => {});

export function useNotify(): Notify {
  return useContext(NoticeContext);
}

/** The banner of an error: what the API said. */

import Alert from "@cloudscape-design/components/alert";
import type { Failure } from "../model/failures.ts";

/** Nothing where nothing failed. */
export function FailureAlert({ failure }: { readonly failure: Failure | undefined }) {
  if (failure === undefined) return null;
  return (
    <Alert type="error" header={failure.title}>
      {failure.message}
    </Alert>
  );
}

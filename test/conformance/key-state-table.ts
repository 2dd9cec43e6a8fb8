/** The key-state table of the KMS guide, written down as it is printed (spec 02, Key states). */

/** The columns. The third one is two states; the table prints them together. */
export const COLUMNS = [
  "Enabled",
  "Disabled",
  "Pending",
  "PendingImport",
  "Unavailable",
  "Creating",
  "Updating",
] as const;
export type Column = (typeof COLUMNS)[number];

/**
 * What a cell says: `OK`, `N/A` (can't occur), or the numbers of its notes. `?7` succeeds but for the keys of note 7, `?7a` but
 * for those of its second half, keys in custom key stores; `2|3` and the like leave the choice between two notes.
 */
export type Cell = string;

/** One row: an operation and its cells in the order of the columns, parted by blanks. */
const row = (operation: string, cells: string): readonly [operation: string, cells: readonly Cell[]] => [
  operation,
  cells.trim().split(/\s+/),
];

//                                                  Enabled Disabled Pending PendingImport Unavailable Creating Updating
export const KEY_STATE_TABLE: ReadonlyMap<string, readonly Cell[]> = new Map([
  row("CancelKeyDeletion", "                        4       4        OK      4             4,13        4        4"),
  row("CreateAlias", "                              OK      OK       3       OK            OK          OK       OK"),
  row("CreateGrant", "                              OK      1        2|3     5             OK          14       OK"),
  row("Decrypt", "                                  OK      1        2|3     5             11          14       OK"),
  row("DeleteAlias", "                              OK      OK       OK      OK            OK          OK       OK"),
  row("DeleteImportedKeyMaterial", "                ?9      ?9       ?9      OK            N/A         14       15"),
  row("DescribeKey", "                              OK      OK       OK      OK            OK          OK       OK"),
  row("DisableKey", "                               OK      OK       3       5             12          14       15"),
  row("DisableKeyRotation", "                       ?7      1|7      3|7     6             7           14       ?7"),
  row("EnableKey", "                                OK      OK       3       5             12          14       15"),
  row("EnableKeyRotation", "                        ?7      1|7      3|7     6             7           14       ?7"),
  row("Encrypt", "                                  OK      1        2|3     5             11          14       OK"),
  row("GenerateDataKey", "                          OK      1        2|3     5             11          14       OK"),
  row("GenerateDataKeyPair", "                      OK      1        2|3     5             11          14       OK"),
  row("GenerateDataKeyPairWithoutPlaintext", "      OK      1        2|3     5             11          14       OK"),
  row("GenerateDataKeyWithoutPlaintext", "          OK      1        2|3     5             11          14       OK"),
  row("GenerateMac", "                              OK      1        2|3     N/A           N/A         14       OK"),
  row("GetKeyPolicy", "                             OK      OK       OK      OK            OK          OK       OK"),
  row("GetKeyRotationStatus", "                     ?7      ?7       ?7      6             7           ?7       ?7"),
  row("GetParametersForImport", "                   ?9      ?9       8|9     OK            9           14       15"),
  row("GetPublicKey", "                             OK      1        2|3     N/A           N/A         14       OK"),
  row("ImportKeyMaterial", "                        ?9      ?9       8|9     OK            9           14       OK"),
  row("ListAliases", "                              OK      OK       OK      OK            OK          OK       OK"),
  row("ListGrants", "                               OK      OK       OK      OK            OK          OK       OK"),
  row("ListKeyPolicies", "                          OK      OK       OK      OK            OK          OK       OK"),
  row("ListResourceTags", "                         OK      OK       OK      OK            OK          OK       OK"),
  row("PutKeyPolicy", "                             OK      OK       OK      OK            OK          OK       OK"),
  row("ReEncrypt", "                                OK      1        2|3     5             11          14       OK"),
  row("ReplicateKey", "                             OK      1        2|3     5             N/A         14       15"),
  row("RetireGrant", "                              OK      OK       OK      OK            OK          OK       OK"),
  row("RevokeGrant", "                              OK      OK       OK      OK            OK          OK       OK"),
  row("ScheduleKeyDeletion", "                      OK      OK       3       OK            OK          OK       15"),
  row("Sign", "                                     OK      1        2|3     N/A           N/A         14       OK"),
  row("TagResource", "                              OK      OK       3       OK            OK          OK       OK"),
  row("UntagResource", "                            OK      OK       3       OK            OK          OK       OK"),
  row("UpdateAlias", "                              OK      OK       ?10     OK            OK          OK       OK"),
  row("UpdateKeyDescription", "                     OK      OK       3       OK            OK          OK       OK"),
  row("UpdatePrimaryRegion", "                      OK      1        2|3     5             N/A         14       OK"),
  row("Verify", "                                   OK      1        2|3     N/A           N/A         14       OK"),
  row("VerifyMac", "                                OK      1        2|3     N/A           N/A         14       OK"),
  // Outside the table, derived from it (spec 02): key agreement and encapsulation as Sign, rotation on demand as
  // EnableKeyRotation, but for imported keys with material that waits, the history of rotations and the last use in every state.
  row("DeriveSharedSecret", "                       OK      1        2|3     N/A           N/A         14       OK"),
  row("Encapsulate", "                              OK      1        2|3     N/A           N/A         14       OK"),
  row("Decapsulate", "                              OK      1        2|3     N/A           N/A         14       OK"),
  row("RotateKeyOnDemand", "                        ?7a     1|7      3|7     5             7           14       ?7a"),
  row("ListKeyRotations", "                         OK      OK       OK      OK            OK          OK       OK"),
  row("GetKeyLastUsage", "                          OK      OK       OK      OK            OK          OK       OK"),
]);

/** An error of the notes: its code, and what follows the key's ARN in its message. */
export interface Note {
  readonly code: string;
  readonly text: (facts: { readonly origin: string; readonly pending: string }) => string;
}

const invalid = (text: string): Note => ({ code: "KMSInvalidStateException", text: () => text });
const originNote: Note = {
  code: "UnsupportedOperationException",
  text: ({ origin }) => `origin is ${origin} which is not valid for this operation.`,
};

/**
 * The notes with an error. Of `2|3` the newer one, KMSInvalidStateException, is answered; "(or pending replica deletion)" is
 * the guide's way of writing two texts, one for each state (spec 02, DERIVED). Notes 8 and 9 have no text in the guide; they
 * are those of notes 3 and 7.
 */
export const NOTES: Readonly<Record<string, Note>> = {
  1: { code: "DisabledException", text: () => "is disabled." },
  3: { code: "KMSInvalidStateException", text: ({ pending }) => `is ${pending}.` },
  4: invalid("is not pending deletion."),
  5: invalid("is pending import."),
  6: originNote,
  7: originNote,
  8: { code: "KMSInvalidStateException", text: ({ pending }) => `is ${pending}.` },
  9: originNote,
  10: { code: "KMSInvalidStateException", text: ({ pending }) => `is ${pending}.` },
  11: invalid("is unavailable."),
  14: invalid("is creating."),
  15: invalid("is updating."),
};

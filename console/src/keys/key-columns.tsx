/** The cells of the key tables. */

import type { TableProps } from "@cloudscape-design/components/table";
import { Link } from "react-router-dom";
import { COLUMNS, type ColumnId, cellText, type KeyRow, NONE } from "../model/key-rows.ts";
import { KeyStatus } from "../parts/key-status.tsx";

type Column = TableProps.ColumnDefinition<KeyRow> & { readonly id: ColumnId };

/** All columns; which of them are shown is the user's choice. */
export function columnDefinitions(link: (path: string) => string): readonly Column[] {
  return (Object.keys(COLUMNS) as ColumnId[]).map((id) => ({
    id,
    header: COLUMNS[id].header,
    ...(COLUMNS[id].sortable && { sortingField: id }),
    cell: (row: KeyRow) => <Cell row={row} column={id} link={link} />,
  }));
}

interface CellProps {
  readonly row: KeyRow;
  readonly column: ColumnId;
  link(path: string): string;
}

function Cell({ row, column, link }: CellProps) {
  const page = link(`keys/${row.id}`);
  if (column === "keyId") return <Link to={page}>{row.id}</Link>;
  if (column === "status") return <KeyStatus row={row} />;
  if (column !== "aliases") return cellText(row, column);
  const [first, ...more] = row.aliases;
  if (first === undefined) return NONE;
  return (
    <>
      <Link to={page}>{first}</Link>
      {more.length > 0 && (
        <>
          {" "}
          <Link to={`${page}/aliases`}>(+{more.length} more)</Link>
        </>
      )}
    </>
  );
}

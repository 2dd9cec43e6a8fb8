/** The console as a whole: who is signed in, and the pages by their addresses. */

import { useCallback, useMemo, useState } from "react";
import { Navigate, Outlet, Route, Routes, useLocation, useNavigate, useParams } from "react-router-dom";
import { findPartition } from "../../src/base/arn.ts";
import { CreateKeyPage } from "./create/create-key-page.tsx";
import { ReplicatePage } from "./create/replicate-page.tsx";
import { KeyPage } from "./detail/key-page.tsx";
import { ImportPage } from "./imports/import-page.tsx";
import { CreateStorePage } from "./key-stores/create-store-page.tsx";
import { EditStorePage } from "./key-stores/edit-store-page.tsx";
import { KeyStorePage } from "./key-stores/key-store-page.tsx";
import { KeyStoresPage } from "./key-stores/key-stores-page.tsx";
import { KeysPage } from "./keys/keys-page.tsx";
import { DEFAULT_REGION } from "./model/regions.ts";
import { forgetSession, rememberedSession, rememberSession, type Session } from "./session/session.ts";
import { SignIn } from "./session/sign-in.tsx";
import { ConsoleContext, consoleOf } from "./session/use-console.ts";
import { Shell } from "./shell/shell.tsx";

export function App() {
  const [session, setSession] = useState(rememberedSession);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const signedIn = (next: Session) => {
    rememberSession(next);
    setSession(next);
    // Whoever followed a link to a page stays there.
    if (regionOfPath(pathname) !== next.region) navigate(homeOf(next.region), { replace: true });
  };
  const signOut = useCallback(() => {
    forgetSession();
    setSession(undefined);
    navigate("/", { replace: true });
  }, [navigate]);
  if (session === undefined) {
    const region = regionOfPath(pathname) ?? DEFAULT_REGION;
    return <SignIn key={region} region={region} onSignIn={signedIn} />;
  }
  return (
    <Routes>
      <Route path="/:region/kms" element={<RegionFrame session={session} onSignOut={signOut} />}>
        <Route path="keys" element={<KeysPage key="customer" manager="customer" />} />
        <Route path="defaultKeys" element={<KeysPage key="aws" manager="aws" />} />
        <Route path="keys/create" element={<CreateKeyPage />} />
        <Route path="keys/:keyId/import" element={<ImportPage />} />
        <Route path="keys/:keyId/replicate" element={<ReplicatePage />} />
        <Route path="keys/:keyId" element={<KeyPage />} />
        <Route path="keys/:keyId/:tab" element={<KeyPage />} />
        <Route path="keyStores/cloudhsm" element={<KeyStoresPage key="cloudhsm" kind="AWS_CLOUDHSM" />} />
        <Route path="keyStores/external" element={<KeyStoresPage key="external" kind="EXTERNAL_KEY_STORE" />} />
        <Route path="keyStores/:kind/create" element={<CreateStorePage />} />
        <Route path="keyStores/:kind/:storeId" element={<KeyStorePage />} />
        <Route path="keyStores/:kind/:storeId/edit" element={<EditStorePage />} />
      </Route>
      <Route path="*" element={<Navigate to={homeOf(session.region)} replace />} />
    </Routes>
  );
}

function homeOf(region: string): string {
  return `/${region}/kms/keys`;
}

/** The Region in an address, if it is one that AWS has. */
function regionOfPath(pathname: string): string | undefined {
  const [, region = ""] = pathname.split("/");
  return findPartition(region) === undefined ? undefined : region;
}

/** The pages of one Region, with clients of the APIs there. */
function RegionFrame({ session, onSignOut }: { readonly session: Session; onSignOut(): void }) {
  const { region = DEFAULT_REGION } = useParams();
  const value = useMemo(() => consoleOf(session, region), [session, region]);
  if (findPartition(region) === undefined) return <Navigate to={homeOf(session.region)} replace />;
  return (
    <ConsoleContext value={value}>
      <Shell onSignOut={onSignOut}>
        <Outlet key={region} />
      </Shell>
    </ConsoleContext>
  );
}

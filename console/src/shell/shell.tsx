/** What stands around every page: the bar with Region and account, navigation, and messages. */

import AppLayout from "@cloudscape-design/components/app-layout";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Flashbar from "@cloudscape-design/components/flashbar";
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router-dom";
import { breadcrumbsOf } from "../model/breadcrumbs.ts";
import { hasKeyStores, keyStoreKinds } from "../model/key-stores.ts";
import { regionOption, regionsBeside } from "../model/regions.ts";
import { NoticeContext } from "../parts/notices.ts";
import { principalName } from "../session/session.ts";
import { useConsole } from "../session/use-console.ts";

/** The lists that navigation leads to; every page is below one. */
const LISTS = ["defaultKeys", ...Object.values(keyStoreKinds).map(({ path }) => `keyStores/${path}`), "keys"];

function keyStoreLinks(link: (path: string) => string): SideNavigationProps.Item {
  return {
    type: "section",
    text: "Custom key stores",
    items: Object.values(keyStoreKinds).map(({ title, path }) => ({
      type: "link",
      text: title,
      href: `#${link(`keyStores/${path}`)}`,
    })),
  };
}

export interface ShellProps {
  onSignOut(): void;
  readonly children: ReactNode;
}

export function Shell({ onSignOut, children }: ShellProps) {
  const { session, region, owner, link } = useConsole();
  const [notice, setNotice] = useState<string>();
  const notify = useCallback((message: string) => setNotice(message), []);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const breadcrumbs = breadcrumbsOf(pathname.slice(link("").length));
  const title = breadcrumbs.at(-1)?.text;
  useEffect(() => {
    document.title = `${title} | Keystead console`;
    return () => {
      document.title = "Keystead console";
    };
  }, [title]);
  const page = LISTS.find((list) => pathname.startsWith(link(list))) ?? "keys";
  return (
    <NoticeContext value={notify}>
      <div id="top">
        <TopNavigation
          identity={{ href: `#${link("keys")}`, title: "Keystead" }}
          utilities={[
            {
              type: "menu-dropdown",
              text: regionOption(region).label,
              ariaLabel: `Region: ${region}`,
              items: regionsBeside(region).map((one) => ({
                id: one,
                text: regionOption(one).label,
                disabled: one === region,
              })),
              onItemClick: ({ detail }) => navigate(link(page, detail.id)),
            },
            {
              type: "menu-dropdown",
              text: `${principalName(session.arn)} @ ${session.account}`,
              description: session.arn,
              iconName: "user-profile",
              items: [{ id: "sign-out", text: "Sign out" }],
              onItemClick: onSignOut,
            },
          ]}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        breadcrumbs={
          <BreadcrumbGroup
            items={breadcrumbs.map(({ text, path }) => ({
              text,
              href: `#${path === undefined ? pathname : link(path)}`,
            }))}
          />
        }
        toolsHide
        notifications={
          notice !== undefined && (
            <Flashbar
              items={[
                {
                  id: notice,
                  type: "success",
                  content: notice,
                  dismissible: true,
                  dismissLabel: "Dismiss message",
                  onDismiss: () => setNotice(undefined),
                },
              ]}
            />
          )
        }
        navigation={
          <SideNavigation
            header={{ href: `#${link("keys")}`, text: "Key Management Service (KMS)" }}
            activeHref={`#${link(page)}`}
            items={[
              { type: "link", text: "AWS managed keys", href: `#${link("defaultKeys")}` },
              { type: "link", text: "Customer managed keys", href: `#${link("keys")}` },
              ...(hasKeyStores(owner.partition) ? [keyStoreLinks(link)] : []),
            ]}
          />
        }
        content={children}
      />
    </NoticeContext>
  );
}

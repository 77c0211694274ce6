/** The layout of every page: navigation, colour scheme and account. */

import { AppShell, Burger, Button, Group, Image, Menu, NavLink as MantineNavLink, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { type FocusEvent, type KeyboardEvent, Suspense, useEffect, useRef } from "react";
import { NavLink, Outlet, useLocation } from "react-router";

import { unwrap } from "../api/client";
import { Dialog } from "../components/Dialog";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { useFocusRestore } from "../components/focusRestore";
import { DisplayFields } from "../components/DisplayOptions";
import { DISPLAY_ID } from "../components/Localized";
import { Loading } from "../components/states";
import { t } from "../i18n";
import icon from "../components/icon.svg";
import classes from "./Layout.module.css";
import { useEdms, useSession } from "../api/EdmsProvider";

export function Layout() {
  useFocusRestore();
  const [opened, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const burger = useRef<HTMLButtonElement>(null);
  useEffect(close, [pathname, close]);
  // On a small screen, the navigation covers the page and closes when it loses the focus.
  const leave = (event: FocusEvent) => event.relatedTarget?.closest("main") && close();
  const dismiss = (event: KeyboardEvent) => {
    if (event.key === "Escape" && opened) {
      close();
      burger.current?.focus();
    }
  };
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
      // The contents measure themselves, so an animated width would redraw them at each step.
      transitionDuration={0}
    >
      <a className={classes["skip"]} href="#content">
        {t("app.skip")}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" wrap="nowrap">
          <Burger
            ref={burger}
            opened={opened}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={t("app.menu")}
            aria-expanded={opened}
          />
          <Group gap="xs" flex={1} wrap="nowrap">
            <Image src={icon} alt="" w={28} h={28} />
            <Text fw={700}>{t("app.product")}</Text>
          </Group>
          <Account />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar
        p="xs"
        aria-label={t("app.navigation")}
        className={classes["navbar"] ?? ""}
        mod={{ closed: !opened }}
        onBlur={leave}
        onKeyDown={dismiss}
      >
        <NavigationLinks />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes["main"] ?? ""}>
        <ErrorBoundary resetKey={pathname}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </ErrorBoundary>
      </AppShell.Main>
    </AppShell>
  );
}

function NavigationLinks() {
  const { user, permissions } = useSession();
  const ways: [string, string, boolean][] = [
    ["/", t("app.dashboard"), true],
    ["/documents", t("app.documents"), permissions.includes("documents.view_document")],
    ["/admin", t("app.admin"), Boolean(user?.is_staff) || permissions.some((one) => one.startsWith("backup."))],
  ];
  return ways
    .filter(([, , shown]) => shown)
    .map(([to, label]) => (
      <MantineNavLink
        key={to}
        component={NavLink}
        to={to}
        end={to === "/"}
        label={label}
        className={classes["way"] ?? ""}
      />
    ));
}

function Account() {
  const { api, onSignedOut } = useEdms();
  const { user } = useSession();
  const signOut = useMutation({
    mutationFn: () => unwrap(api.DELETE("/session/")),
    onSuccess: onSignedOut,
  });
  const [isOpen, { open, close }] = useDisclosure(false);
  const name = user?.full_name || user?.name || "";
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" data-focus-id={DISPLAY_ID} aria-label={t("app.account", { name })} maw={180}>
            {name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={open}>{t("common.display.open")}</Menu.Item>
          <Menu.Item onClick={() => signOut.mutate()}>{t("app.signOut")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Dialog opened={isOpen} onClose={close} title={t("common.display.title")} returnTo={DISPLAY_ID}>
        <DisplayFields />
      </Dialog>
    </>
  );
}

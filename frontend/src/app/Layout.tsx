/** The layout of every page: navigation, colour scheme and account. */

import { AppShell, Burger, Button, Group, Image, Menu, NavLink as MantineNavLink, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { LucideIcon } from "lucide-react";
import FileText from "lucide-react/icons/file-text";
import LayoutDashboard from "lucide-react/icons/layout-dashboard";
import Wrench from "lucide-react/icons/wrench";
import { useMutation } from "@tanstack/react-query";
import { type FocusEvent, type KeyboardEvent, Suspense, useEffect, useRef } from "react";
import { NavLink, Outlet, useLocation } from "react-router";

import { unwrap } from "../api/client";
import { Dialog } from "../components/Dialog";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { useFocusRestore } from "../components/focusRestore";
import { DisplayFields } from "../components/DisplayOptions";
import { DISPLAY_ID } from "../components/Localized";
import { PaletteButton, PaletteProvider } from "../components/Palette";
import { Loading } from "../components/states";
import { t } from "../i18n";
import { usePaletteSources } from "./usePaletteSources";
import icon from "../components/icon.svg";
import classes from "./Layout.module.css";
import { useEdms, useSession } from "../api/EdmsProvider";

export function Layout() {
  useFocusRestore();
  const sources = usePaletteSources();
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
    <PaletteProvider sources={sources}>
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
            <PaletteButton />
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
    </PaletteProvider>
  );
}

function NavigationLinks() {
  const { user, permissions } = useSession();
  const ways: [string, string, LucideIcon, boolean][] = [
    ["/", t("app.dashboard"), LayoutDashboard, true],
    ["/documents", t("app.documents"), FileText, permissions.includes("documents.view_document")],
    ["/admin", t("app.admin"), Wrench, Boolean(user?.is_staff) || permissions.some((one) => one.startsWith("backup."))],
  ];
  return ways
    .filter(([, , , shown]) => shown)
    .map(([to, label, Icon]) => (
      <MantineNavLink
        key={to}
        component={NavLink}
        to={to}
        end={to === "/"}
        label={label}
        leftSection={<Icon size={18} aria-hidden />}
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

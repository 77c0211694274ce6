import { Anchor, Text } from "@mantine/core";
import { Link } from "react-router";

import { PageTitle } from "../components/PageTitle";
import { t } from "../i18n";

export function NotFound() {
  return (
    <>
      <PageTitle text={t("app.notFoundTitle")} />
      <Text mb="md">{t("app.notFoundText")}</Text>
      <Anchor component={Link} to="/">
        {t("app.toDashboard")}
      </Anchor>
    </>
  );
}

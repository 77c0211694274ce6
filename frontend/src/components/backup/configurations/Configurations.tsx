import { Title } from "@mantine/core";

import { t } from "../../../i18n";

export default function Configurations() {
  return <Title order={2}>{t("configurations.title")}</Title>;
}

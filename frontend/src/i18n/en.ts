/** English. Views add their texts in a part of their own. */

import { common } from "./en.common";
import { configurations } from "./en.configurations";
import { history } from "./en.history";
import { overview } from "./en.overview";
import { restore } from "./en.restore";
import { shell } from "./en.shell";
import { values } from "./en.values";

export const en = { common, configurations, history, overview, restore, shell, values };

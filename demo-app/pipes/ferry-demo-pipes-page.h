/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* Three workers, each with a pipe of its own: how many messages a second come through, and how late they are. */

#define FERRY_DEMO_TYPE_PIPES_PAGE (ferry_demo_pipes_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPipesPage, ferry_demo_pipes_page, FERRY_DEMO, PIPES_PAGE, FerryDemoPage)

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* The same work on a main loop and through Ferry, beside each other. */

#define FERRY_DEMO_TYPE_START_PAGE (ferry_demo_start_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoStartPage, ferry_demo_start_page, FERRY_DEMO, START_PAGE, FerryDemoPage)

G_END_DECLS

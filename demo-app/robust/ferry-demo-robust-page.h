/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* Workers that crash, hang and send rubbish, and what that costs two others: nothing. */

#define FERRY_DEMO_TYPE_ROBUST_PAGE (ferry_demo_robust_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoRobustPage, ferry_demo_robust_page, FERRY_DEMO, ROBUST_PAGE, FerryDemoPage)

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* Workers that crash, hang and send garbage, and what that costs two others: nothing. */

#define FERRY_DEMO_TYPE_ROBUST_PAGE (ferry_demo_robust_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoRobustPage, ferry_demo_robust_page, FERRY_DEMO, ROBUST_PAGE, AdwBin)

GtkWidget *ferry_demo_robust_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* The same work on a main loop, which freezes, and in a worker, which does not hold up the main loop. */

#define FERRY_DEMO_TYPE_START_PAGE (ferry_demo_start_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoStartPage, ferry_demo_start_page, FERRY_DEMO, START_PAGE, AdwBin)

GtkWidget *ferry_demo_start_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

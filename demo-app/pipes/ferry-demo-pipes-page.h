/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* Three workers, each with a pipe of its own: how many messages come, how late, and whether one is lost. */

#define FERRY_DEMO_TYPE_PIPES_PAGE (ferry_demo_pipes_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPipesPage, ferry_demo_pipes_page, FERRY_DEMO, PIPES_PAGE, AdwBin)

GtkWidget *ferry_demo_pipes_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

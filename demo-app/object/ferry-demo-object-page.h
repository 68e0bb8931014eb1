/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* A plate that is heated, an object in another process, and the widgets that are bound to it. */

#define FERRY_DEMO_TYPE_OBJECT_PAGE (ferry_demo_object_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoObjectPage, ferry_demo_object_page, FERRY_DEMO, OBJECT_PAGE, AdwBin)

GtkWidget *ferry_demo_object_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* The pictures of a folder, which workers in a sandbox decode, those in sight first. */

#define FERRY_DEMO_TYPE_PICTURES_PAGE (ferry_demo_pictures_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPicturesPage, ferry_demo_pictures_page, FERRY_DEMO, PICTURES_PAGE, AdwBin)

GtkWidget *ferry_demo_pictures_page_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_pictures_page_open (FerryDemoPicturesPage *self, const char *folder);
/* Asks for a folder. */
void ferry_demo_pictures_page_choose_folder (FerryDemoPicturesPage *self);

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* The thumbnails of a folder in a grid that fills as the user scrolls. The first folder is that of the user's own
 * pictures, opened when the page is first shown. While the page is hidden, nothing is decoded. */

#define FERRY_DEMO_TYPE_THUMBNAIL_PAGE (ferry_demo_thumbnail_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoThumbnailPage, ferry_demo_thumbnail_page, FERRY_DEMO, THUMBNAIL_PAGE, FerryDemoPage)

/* Has the user choose a folder. */
void ferry_demo_thumbnail_page_choose_folder (FerryDemoThumbnailPage *self);

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* The plate in the worker. It shows its picture at the frame rate, its properties on sliders, a switch and labels, its
 * methods on buttons, and its log. The worker is started when the page is seen for the first time. */

#define FERRY_DEMO_TYPE_OBJECT_PAGE (ferry_demo_object_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoObjectPage, ferry_demo_object_page, FERRY_DEMO, OBJECT_PAGE, FerryDemoPage)

/* Whether time begins on a new plate by itself, and goes on only while the page is seen. It does so from the beginning.
 */
void ferry_demo_object_page_set_follows (FerryDemoObjectPage *self, gboolean follows);
guint ferry_demo_object_page_get_n_pictures (FerryDemoObjectPage *self);

G_END_DECLS

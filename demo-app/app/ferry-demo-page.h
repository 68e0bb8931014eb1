/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry-gtk.h>
#include <glib/gi18n.h>

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* What all pages have: a sentence that says what there is to be seen, a way to break it, the source, and a bar for what
 * has gone wrong. A page's own template sets the properties "sentence", "trial" (what the way to break it does),
 * "source" (a resource) and "content". */

#define FERRY_DEMO_TYPE_PAGE (ferry_demo_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (FerryDemoPage, ferry_demo_page, FERRY_DEMO, PAGE, GtkWidget)

struct _FerryDemoPageClass
{
  GtkWidgetClass parent_class;

  /* Called once, before the page is shown. */
  void (*begin) (FerryDemoPage *self, FerryDemoSession *session);
  void (*try_to_break) (FerryDemoPage *self);
  /* Whether what the page shows is there: a picture of it is worth taking. Without it this is always so. */
  gboolean (*is_settled) (FerryDemoPage *self);
  /* What the button in the bar does, which is there with errors. */
  void (*try_again) (FerryDemoPage *self);
  /* For a page that has something to do while it is seen, and nothing while it is hidden: it begins, has a turn again
   * and again, and rests. A page may rest twice, and rests when the session stops. */
  void (*start) (FerryDemoPage *self);
  void (*turn) (FerryDemoPage *self);
  void (*rest) (FerryDemoPage *self);
  guint turn_milliseconds;
  /* For a page that asks for folders. */
  void (*folder_chosen) (FerryDemoPage *self, const char *path);
};

void ferry_demo_page_begin (FerryDemoPage *self, FerryDemoSession *session);
/* Whether the page has turns. */
gboolean ferry_demo_page_is_turning (gpointer page);
void ferry_demo_page_try_to_break (FerryDemoPage *self);
gboolean ferry_demo_page_is_settled (FerryDemoPage *self);
/* In the bar, until it is closed or the page tries again; NULL closes it. */
void ferry_demo_page_tell (FerryDemoPage *self, GtkMessageType type, const char *text);
/* Returns whether the bar was open, and is not any more. One with a button to try again stays. */
gboolean ferry_demo_page_close_bar (FerryDemoPage *self);
/* What has gone wrong, if anything has. */
void ferry_demo_page_tell_error (gpointer page, const GError *error);

/* Asks for a folder, beginning with the one at path. */
void ferry_demo_page_choose_folder (gpointer page, const char *title, const char *path);

/* A page's template, NAME.ui, and those of its children that it looks for: names ends with NULL. */
void ferry_demo_page_class_set_template (gpointer klass, const char *name, const char *const *names);
gpointer ferry_demo_page_get_child (gpointer page, const char *name);
/* The text of a label, which is taken. */
void ferry_demo_page_take_text (gpointer page, const char *name, char *text);

G_END_DECLS

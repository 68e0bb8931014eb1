/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of widgets share: a window, where there is a display. */

#pragma once

#include "ferry-test.h"
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* To be called first in main(), in place of g_test_init(). */
void widget_test_init (int *argc, char ***argv);
/* The same where something else has called g_test_init(). */
void widget_test_start (void);
/* Skips the test, and returns FALSE, where there is no display. */
gboolean widget_test_has_display (void);
/* A window with the child in it, drawn; the test destroys it. */
GtkWidget *widget_test_show (GtkWidget *child);
/* (nullable): the first mapped label in the widget that has the words; and waiting for one. */
GtkWidget *widget_test_find_words (GtkWidget *widget, const char *words);
void widget_test_wait_words (GtkWidget *widget, const char *words);
/* Waits until another frame of the window has begun. */
void widget_test_wait_frame (GtkWidget *window);

/* What the key does where the widget has the focus. */
void widget_test_press (GtkWidget *widget, const char *key);
/* That the accessible label says what a part does, and to what: “VERB: TITLE”. */
void widget_test_assert_label (GtkWidget *widget, const char *verb, const char *title);
/* That no button below has its name twice: by itself with the underscore of its mnemonic, and by its label. */
void widget_test_assert_read_once (GtkWidget *widget);
/* Counts in *count how often one of the properties of the object is notified of; NULL for any property. */
void widget_test_count_notifications (gpointer object, const char *property, guint *count);

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What a user prefers, in a file of the user's configuration. */
typedef struct
{
  guint n_workers; /* 0: as many as there are processors */
  FerrySandboxPolicy sandbox;
} FerryDemoPreferences;

/* The usual ones where there is no file, or where a value in it makes no sense. */
void ferry_demo_preferences_load (FerryDemoPreferences *self);
gboolean ferry_demo_preferences_save (const FerryDemoPreferences *self, GError **error);

/* A window that changes them; the number of workers changes that of the pool at once. */
GtkWindow *ferry_demo_preferences_window_new (GtkWindow *parent, FerryPool *pool) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

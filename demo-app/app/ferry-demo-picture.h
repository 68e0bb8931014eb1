/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A picture of a widget, rendered in the process; of several that are taken the one with the best score is kept. */

typedef struct _FerryDemoPicture FerryDemoPicture;

FerryDemoPicture *ferry_demo_picture_new (const char *path) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_picture_free (FerryDemoPicture *self);
gboolean ferry_demo_picture_is_taken (FerryDemoPicture *self);
void ferry_demo_picture_take (FerryDemoPicture *self, GtkWidget *widget, guint score);
gboolean ferry_demo_picture_save (FerryDemoPicture *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDemoPicture, ferry_demo_picture_free)

G_END_DECLS

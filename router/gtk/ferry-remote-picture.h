/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_REMOTE_PICTURE (ferry_remote_picture_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryRemotePicture, ferry_remote_picture, FERRY, REMOTE_PICTURE, GtkWidget)

FERRY_AVAILABLE_IN_0_1
GtkWidget *ferry_remote_picture_new (FerryReceiver *receiver) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
GdkTexture *ferry_remote_picture_make_texture (GVariant *frame, GBytes *bytes,
                                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

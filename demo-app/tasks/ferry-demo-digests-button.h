/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry-gtk.h>

G_BEGIN_DECLS

/* The button of a row that copies the digests of its task. It is there when there are some. */

GtkWidget *ferry_demo_digests_button_new (FerryTaskRow *row) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

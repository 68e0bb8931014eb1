/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
void ferry_task_show_dialog (FerryTask *task, GtkWindow *parent);

G_END_DECLS

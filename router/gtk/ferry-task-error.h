/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
char *ferry_describe_error (const GError *error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_describe_error (FerryTask *task, char **title, char **detail, gboolean *can_retry);

G_END_DECLS

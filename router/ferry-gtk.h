/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Widgets that show tasks: the library ferry-gtk-1. */

#pragma once

#include <ferry.h>

#define FERRY_INSIDE

#include "gtk/ferry-format.h"
#include "gtk/ferry-gtk-enums.h"
#include "gtk/ferry-pace.h"
#include "gtk/ferry-progress-binding.h"
#include "gtk/ferry-remote-picture.h"
#include "gtk/ferry-task-banner.h"
#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-dialog.h"
#include "gtk/ferry-task-error.h"
#include "gtk/ferry-task-guard.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-monitor.h"
#include "gtk/ferry-task-outcome.h"
#include "gtk/ferry-task-row.h"
#include "gtk/ferry-task-status.h"
#include "gtk/ferry-widget-end.h"
#include "gtk/ferry-worker-list.h"

#undef FERRY_INSIDE

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>
#include <ferry.h>

G_BEGIN_DECLS

/* Asks for a command line, and runs it as a task of an executor for commands. */

#define FERRY_DEMO_TYPE_COMMAND_DIALOG (ferry_demo_command_dialog_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoCommandDialog, ferry_demo_command_dialog, FERRY_DEMO, COMMAND_DIALOG, AdwWindow)

GtkWindow *ferry_demo_command_dialog_new (GtkWindow *parent, FerryExecutor *commands) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "app/ferry-demo-session.h"

G_BEGIN_DECLS

/* Runs jobs without a user, prints their results, and checks each against the result that it should have.
 *
 * Signal "finished": all jobs are over. */

#define FERRY_DEMO_TYPE_AUTO (ferry_demo_auto_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoAuto, ferry_demo_auto, FERRY_DEMO, AUTO, GObject)

FerryDemoAuto *ferry_demo_auto_new (FerryDemoSession *session) G_GNUC_WARN_UNUSED_RESULT;
/* with_pictures: those of the folder that was opened are waited for, and told of, as well. */
void ferry_demo_auto_start (FerryDemoAuto *self, GPtrArray *specs, gboolean with_pictures);
gboolean ferry_demo_auto_is_finished (FerryDemoAuto *self);
gboolean ferry_demo_auto_is_success (FerryDemoAuto *self);
guint ferry_demo_auto_get_score (FerryDemoAuto *self);

G_END_DECLS

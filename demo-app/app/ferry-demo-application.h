/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define FERRY_DEMO_TYPE_APPLICATION (ferry_demo_application_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoApplication, ferry_demo_application, FERRY_DEMO, APPLICATION, AdwApplication)

FerryDemoApplication *ferry_demo_application_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

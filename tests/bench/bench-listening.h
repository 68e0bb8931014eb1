/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

/* Runs the main loop until the worker's exporter listens, or ends the bench. */
void bench_wait_until_listening (FerryProxy *proxy);

G_END_DECLS

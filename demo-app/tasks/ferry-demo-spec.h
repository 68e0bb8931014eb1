/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a job is to do: a kind and its argument, "primes:3000000" when written in one word. */

typedef enum
{
  FERRY_DEMO_KIND_SHA256,
  FERRY_DEMO_KIND_PRIMES,
  FERRY_DEMO_KIND_CRASH,
  FERRY_DEMO_KIND_HANG,
  FERRY_DEMO_KIND_FLOOD,
  FERRY_DEMO_N_KINDS
} FerryDemoKind;

#define FERRY_DEMO_ENDLESS "endless"
#define FERRY_DEMO_PRIMES_MAX G_GUINT64_CONSTANT (100000000000)

typedef struct
{
  FerryDemoKind kind;
  char *argument; /* never NULL, empty for a kind that takes none */
  guint64 number; /* the argument of primes and flood; 0 is an endless flood */
} FerryDemoSpec;

FerryDemoSpec *ferry_demo_spec_new (FerryDemoKind kind, const char *argument, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FerryDemoSpec *ferry_demo_spec_parse (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_spec_free (FerryDemoSpec *self);

const char *ferry_demo_spec_get_name (const FerryDemoSpec *self);
gboolean ferry_demo_spec_is_endless (const FerryDemoSpec *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDemoSpec, ferry_demo_spec_free)

G_END_DECLS

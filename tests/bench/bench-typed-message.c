/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-typed-message.h"

GVariant *
bench_record_to_variant (guint32 sequence)
{
  return g_variant_new ((const char *) BENCH_RECORD_TYPE, sequence, (guint64) 7, 0.5);
}

GVariant *
bench_mail_to_variant (guint32 sequence)
{
  GVariantBuilder entries;

  g_variant_builder_init (&entries, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&entries, "{sv}", "subject", g_variant_new_string ("a subject of some length"));
  g_variant_builder_add (&entries, "{sv}", "size", g_variant_new_uint64 (BENCH_MAIL_SIZE));
  g_variant_builder_add (&entries, "{sv}", "unread", g_variant_new_boolean (TRUE));
  g_variant_builder_add (&entries, "{sv}", "score", g_variant_new_double (0.5));
  return g_variant_new ("(usa{sv})", sequence, "someone@example.org", &entries);
}

static void
open_entry (FerryVariantWriter *writer, const char *key, const GVariantType *type)
{
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_add (writer, "s", key);
  ferry_variant_writer_open (writer, type);
}

static void
close_entry (FerryVariantWriter *writer)
{
  ferry_variant_writer_close (writer);
  ferry_variant_writer_close (writer);
}

gconstpointer
bench_mail_write (FerryVariantWriter *writer, guint32 sequence, gsize *size)
{
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_add (writer, "us", sequence, "someone@example.org");
  ferry_variant_writer_open (writer, NULL);
  open_entry (writer, "subject", G_VARIANT_TYPE_STRING);
  ferry_variant_writer_add (writer, "s", "a subject of some length");
  close_entry (writer);
  open_entry (writer, "size", G_VARIANT_TYPE_UINT64);
  ferry_variant_writer_add (writer, "t", (guint64) BENCH_MAIL_SIZE);
  close_entry (writer);
  open_entry (writer, "unread", G_VARIANT_TYPE_BOOLEAN);
  ferry_variant_writer_add (writer, "b", TRUE);
  close_entry (writer);
  open_entry (writer, "score", G_VARIANT_TYPE_DOUBLE);
  ferry_variant_writer_add (writer, "d", 0.5);
  close_entry (writer);
  ferry_variant_writer_close (writer);
  ferry_variant_writer_close (writer);
  return ferry_variant_writer_finish (writer, size);
}

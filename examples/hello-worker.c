/* The worker of hello.c: a program without GTK, whose function the application calls by its name.
 * ferry_job_report() says how far it is, as often as you like, and fails once the task is cancelled.
 * In a worker, ferry_worker_main() serves the functions, and does not return.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry.h>

static GVariant *
compute_pi (FerryJob *job, GVariant *arguments, GError **error)
{
  double n = g_variant_get_double (arguments), i = 0, pi = 0;

  for (; i < n && ferry_job_report (job, i / n, "adding", error); i++)
    pi += 8 / ((4 * i + 1) * (4 * i + 3));
  return i < n ? NULL : g_variant_new_double (pi);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("pi", "d", "d", compute_pi);
  ferry_worker_main (&argc, &argv);
}

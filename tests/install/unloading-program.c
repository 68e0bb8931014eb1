/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that knows Ferry only as a plug-in knows it: loads the library of its argument, starts and stops a router
 * with it, and unloads it, twenty times. It is linked with neither Ferry nor GLib. */

#include <dlfcn.h>
#include <stdio.h>

#define N_TIMES 20

typedef void *(*New) (void *context);
typedef int (*Run) (void *router, void **error);
typedef void (*Unref) (void *object);

static int
use (const char *name)
{
  void *library = dlopen (name, RTLD_NOW);
  void *error = NULL;
  void *router;

  if (library == NULL)
    {
      puts (dlerror ());
      return 0;
    }
  router = ((New) dlsym (library, "ferry_router_new")) (NULL);
  if (router == NULL || !((Run) dlsym (library, "ferry_router_start")) (router, &error) ||
      !((Run) dlsym (library, "ferry_router_stop")) (router, &error))
    return 0;
  /* Of GObject, which the library is linked with. */
  ((Unref) dlsym (library, "g_object_unref")) (router);
  return dlclose (library) == 0;
}

int
main (int argc, char **argv)
{
  int n = 0;

  while (n < N_TIMES && use (argv[1]))
    n++;
  printf ("used %d times\n", n);
  return n < N_TIMES;
}

// Preloaded into the program, ends it as a power cut would: at the system call numbered CUT, of those
// that change files, after half of what it was to write.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long calls;

static int is_cut(void) {
  const char *cut = getenv("CUT");
  return cut && calls++ == atol(cut);
}

static void end(void) { kill(getpid(), SIGKILL); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WATCHED(name, parameters, arguments) \
  int name parameters {                      \
    if (is_cut()) end();                     \
    return REAL(name) arguments;             \
  }

ssize_t write(int file, const void *bytes, size_t count) {
  if (file <= STDERR_FILENO) return REAL(write)(file, bytes, count);
  if (is_cut()) {
    REAL(write)(file, bytes, count / 2);
    end();
  }
  return REAL(write)(file, bytes, count);
}

WATCHED(fsync, (int file), (file))
WATCHED(link, (const char *from, const char *to), (from, to))
WATCHED(linkat, (int in, const char *from, int there, const char *to, int flags),
        (in, from, there, to, flags))
WATCHED(rename, (const char *from, const char *to), (from, to))
WATCHED(unlink, (const char *path), (path))

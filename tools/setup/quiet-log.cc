// A Node-API addon whose one effect is that TensorFlow logs nothing below the level in TF_CPP_MIN_LOG_LEVEL (0 to 3).
// TensorFlow reads that variable only after its libraries have already logged while being loaded. So this addon is loaded
// first, with its symbols global: the libraries then find this definition of Abseil's minimum level before their own.
#include <cstdlib>

#include "absl/log/globals.h"

namespace absl {
ABSL_NAMESPACE_BEGIN

__attribute__((visibility("default"))) LogSeverityAtLeast MinLogLevel() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return static_cast<LogSeverityAtLeast>(level ? std::atoi(level) : 0);
}

ABSL_NAMESPACE_END
}  // namespace absl

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }

import keras, numpy as np, nandoctor, tensorflow as tf
keras.utils.set_random_seed(0)
x=np.random.normal(size=(64,8)).astype('f'); y=np.random.randint(0,4,64)
x[37]=0
class Norm(keras.layers.Layer):
    def call(self,x): return x/tf.norm(x,axis=-1,keepdims=True)
class Norm2(keras.layers.Layer):
    def call(self,x): return nandoctor.ops.normalize(x)
import sys
m=keras.Sequential([keras.Input((8,)),keras.layers.Dense(16,use_bias=False),(Norm2 if len(sys.argv)>1 else Norm)()])
m.compile('adam',nandoctor.losses.TripletSemiHardLoss(),jit_compile=len(sys.argv)>2)
h=m.fit(x,y,batch_size=16,shuffle=False,epochs=2,verbose=0); print(h.history)
